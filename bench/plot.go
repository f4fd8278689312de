package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/typedsession/typedsession/bench/internal/peers"
)

// Colours that can be told apart without seeing red and green, and shapes for
// readers who see none.
var marks = map[string]draw.GlyphStyle{
	ours:       {Color: color.RGBA{0x00, 0x72, 0xB2, 0xFF}, Shape: draw.CircleGlyph{}},
	oursCached: {Color: color.RGBA{0x56, 0xB4, 0xE9, 0xFF}, Shape: draw.RingGlyph{}},
	scs:        {Color: color.RGBA{0xD5, 0x5E, 0x00, 0xFF}, Shape: draw.BoxGlyph{}},
	scsTuned:   {Color: color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, Shape: draw.SquareGlyph{}},
	gorilla:    {Color: color.RGBA{0xCC, 0x79, 0xA7, 0xFF}, Shape: draw.PyramidGlyph{}},
	"fiber":    {Color: color.RGBA{0x44, 0x44, 0x44, 0xFF}, Shape: draw.TriangleGlyph{}},
}

// plot draws how many times as long as the floor each contender takes, in each
// case, a panel for each store.
func (r *results) plot(path string) error {
	stores := []peers.Store{peers.Memory, peers.Cookie, peers.Redis}
	const width, height = 24 * vg.Centimeter, 27 * vg.Centimeter
	canvas := vgsvg.New(width, height)
	panels := make([][]*plot.Plot, len(stores))
	for i, store := range stores {
		p, err := r.panel(store)
		if err != nil {
			return err
		}
		panels[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{
		Rows: len(stores), Cols: 1, PadY: vg.Points(14),
		PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(10),
	}
	for i, row := range plot.Align(panels, tiles, draw.New(canvas)) {
		panels[i][0].Draw(row[0])
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (r *results) panel(store peers.Store) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s store: time of a request, in multiples of the floor", title(store))
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = plot.TickerFunc(powersOfTwo)
	p.Legend.Top = true
	p.Legend.XOffs = vg.Points(-6)
	p.Add(plotter.NewGrid())

	names := make([]string, len(useCases))
	for i, use := range useCases {
		names[len(useCases)-1-i] = use.name // from top to bottom
	}
	p.NominalY(names...)
	lowest, highest := 1.0, 1.0
	for _, c := range peers.Contenders() {
		mark, ok := marks[c.Name]
		if c.Store != store || !ok {
			continue
		}
		var points plotter.XYs
		for i, use := range useCases {
			s := setting{store, use.name, 1, defaultSize}
			j := r.requests.job(s, c.Name)
			if j.Err != nil {
				continue
			}
			x := r.requests.ratio(s, c.Name, floor).Median
			lowest, highest = min(lowest, x), max(highest, x)
			points = append(points, plotter.XY{X: x, Y: float64(len(useCases) - 1 - i)})
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		mark.Radius = vg.Points(4)
		scatter.GlyphStyle = mark
		p.Add(scatter)
		p.Legend.Add(c.Name, scatter)
	}
	one, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(useCases)) - 0.5}})
	if err != nil {
		return nil, err
	}
	one.Color = color.Black
	p.Add(one)
	p.X.Min = lowest / 1.3
	p.X.Max = highest * math.Pow(highest/lowest, 0.3) // room for the legend
	p.Y.Min, p.Y.Max = -0.5, float64(len(useCases))-0.5
	return p, nil
}

// title returns the name of a store as it stands in a heading.
func title(store peers.Store) string {
	return strings.ToUpper(string(store[:1])) + string(store[1:])
}

// powersOfTwo marks an axis whose values are ratios.
func powersOfTwo(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for v := 1.0 / 1024; v <= high; v *= 2 {
		if v >= low {
			ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
		}
	}
	return ticks
}
