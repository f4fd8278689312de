package frameworks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// connectHost is a Connect service. Its unary procedures are asked by plain POST
// requests, as Connect allows; its stream by Connect's own client.
var connectHost = host{
	name: "connect-go",
	build: func(a *app) http.Handler {
		mux := http.NewServeMux()
		connectRoutes(mux, a)
		return a.outside.wrap(a.m.Wrap(visits(mux)))
	},
	holes: map[string]string{
		"redirect":    "a procedure answers or fails; it redirects nobody",
		"static file": "a procedure has no files",
		"events":      "its server streams, which are tested, are what it has for them",
		"WebSocket":   "its bidirectional streams are what it has for them",
		"HEAD":        "it answers 405: a procedure is called by POST, or by GET",
	},
	request: func(s *site, method, path string) *http.Request {
		s.t.Helper()
		if !strings.HasPrefix(path, "/proxy/") {
			method, path = http.MethodPost, connectService+path
		}
		r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader("{}"))
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		return r
	},
	open: func(s *site, path string) *flow {
		s.t.Helper()
		client := connect.NewClient[emptypb.Empty, wrapperspb.Int64Value](s.client, s.URL+connectService+path)
		stream, err := client.CallServerStream(s.t.Context(), connect.NewRequest(&emptypb.Empty{}))
		if err != nil {
			s.t.Fatal(err)
		}
		return &flow{stream.ResponseHeader(), func() string {
			if stream.Receive() {
				return strconv.FormatInt(stream.Msg().GetValue(), 10)
			}
			if err := stream.Err(); err != nil {
				s.t.Errorf("%s: %v", path, err)
			}
			return ""
		}, func() { _ = stream.Close() }}
	},
}

const connectService = "/test.v1.Counter"

type empty = connect.Request[emptypb.Empty]

func connectRoutes(mux *http.ServeMux, a *app) {
	var options []connect.HandlerOption
	if a.inside == recovery {
		options = append(options, connect.WithRecover(
			func(context.Context, connect.Spec, http.Header, any) error {
				return connect.NewError(connect.CodeInternal, errors.New("recovered"))
			}))
	}
	if a.inside != compression { // it compresses by itself
		options = append(options, connect.WithCompression("gzip", nil, nil))
	}
	unary := func(path string, procedure func(context.Context) (int, error)) {
		mux.Handle(connectService+path, connect.NewUnaryHandler(connectService+path,
			func(ctx context.Context, _ *empty) (*connect.Response[structpb.Struct], error) {
				n, err := procedure(ctx)
				if err != nil {
					return nil, err
				}
				return connect.NewResponse(&structpb.Struct{Fields: map[string]*structpb.Value{
					"count": structpb.NewNumberValue(float64(n)),
				}}), nil
			}, options...))
	}
	unary("/json", func(ctx context.Context) (int, error) { return increment(ctx), nil })
	unary("/count", func(ctx context.Context) (int, error) { return from(ctx).State().Count, nil })
	unary("/error", func(ctx context.Context) (int, error) {
		increment(ctx)
		return 0, connect.NewError(connect.CodeAlreadyExists, errTaken)
	})
	unary("/panic", func(ctx context.Context) (int, error) {
		increment(ctx)
		panic("told to")
	})
	unary("/slow", func(ctx context.Context) (int, error) {
		n := increment(ctx)
		<-ctx.Done()
		return n, nil
	})
	unary("/meet", func(ctx context.Context) (int, error) {
		from(ctx)
		a.meet(ctx)
		return increment(ctx), nil
	})
	mux.Handle(connectService+"/stream", connect.NewServerStreamHandler(connectService+"/stream",
		func(ctx context.Context, _ *empty, stream *connect.ServerStream[wrapperspb.Int64Value]) error {
			if err := stream.Send(wrapperspb.Int64(int64(increment(ctx)))); err != nil {
				return err
			}
			a.await(ctx)
			return stream.Send(wrapperspb.Int64(int64(increment(ctx))))
		}, options...))
	mux.Handle(connectService+"/chat", connect.NewBidiStreamHandler(connectService+"/chat",
		func(ctx context.Context, stream *connect.BidiStream[emptypb.Empty, wrapperspb.Int64Value]) error {
			for {
				if _, err := stream.Receive(); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
				n := increment(ctx)
				if err := from(ctx).Save(ctx); err != nil {
					return err
				}
				if err := stream.Send(wrapperspb.Int64(int64(n))); err != nil {
					return err
				}
			}
		}, options...))
	mux.HandleFunc(connectService+"/limited", a.limited)
	mux.HandleFunc("/proxy/", a.proxied)
}

// Connect's clients, over each of its protocols: gRPC's end in trailers.
func TestConnectProtocols(t *testing.T) {
	protocols := map[string]connect.ClientOption{
		"connect": connect.WithProtoJSON(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	}
	for name, option := range protocols {
		t.Run(name, func(t *testing.T) {
			s := place{connectHost, 2}.start(t)
			unary := connect.NewClient[emptypb.Empty, structpb.Struct](s.client, s.URL+connectService+"/json", option)
			s.down(func() {
				_, err := unary.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
				if connect.CodeOf(err) != connect.CodeUnavailable {
					t.Errorf("while the store is down: %v", err)
				}
			})
			response, err := unary.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
			if err != nil {
				t.Fatal(err)
			}
			s.carries(response.Header())
			s.counts(1)

			failing := connect.NewClient[emptypb.Empty, structpb.Struct](s.client, s.URL+connectService+"/error", option)
			_, err = failing.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
			if connect.CodeOf(err) != connect.CodeAlreadyExists {
				t.Errorf("error: %v", err)
			}
			s.counts(2)

			chat := connect.NewClient[emptypb.Empty, wrapperspb.Int64Value](s.client, s.URL+connectService+"/chat", option)
			stream := chat.CallBidiStream(t.Context())
			for _, want := range []int{3, 4} {
				if err := stream.Send(&emptypb.Empty{}); err != nil {
					t.Fatal(err)
				}
				if got, err := stream.Receive(); err != nil || got.GetValue() != int64(want) {
					t.Errorf("received %v, %v, want %d", got, err, want)
				}
				s.counts(want) // while it goes on
			}
			if err := stream.CloseRequest(); err != nil {
				t.Error(err)
			}
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}
