package main

// queue begins the modules one after the other.
type queue struct {
	dirs     []string // of the modules that have not begun
	start    starter
	messages chan message
	running  int
	last     string          // the module that began last
	unbuilt  map[string]bool // packages of last whose tests have not begun
}

// begin begins the next module, if there is one.
func (q *queue) begin() {
	if len(q.dirs) == 0 {
		q.last = ""
		return
	}
	q.last, q.dirs = q.dirs[0], q.dirs[1:]
	q.unbuilt = nil
	q.running++
	go q.start(q.last, q.messages)
}

// advance begins the next module if the message, and the event in it, say that
// the last one has nothing left to build.
func (q *queue) advance(m message, e event) {
	if m.ended {
		q.running--
	}
	if m.dir != q.last {
		return
	}
	built := m.ended
	if m.packages != nil {
		q.unbuilt = make(map[string]bool)
		for _, name := range m.packages {
			q.unbuilt[name] = true
		}
	}
	if q.unbuilt[e.Package] && e.Action != "output" { // "start", or "fail" if it does not build
		delete(q.unbuilt, e.Package)
		built = built || len(q.unbuilt) == 0
	}
	if built {
		q.begin()
	}
}
