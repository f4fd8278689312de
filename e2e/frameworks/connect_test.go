package frameworks_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

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
	mux.HandleFunc(connectService+"/limited", a.limited)
	mux.HandleFunc("/proxy/", a.proxied)
}
