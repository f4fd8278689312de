//go:build tools

// Package e2e keeps the versions of what its packages use.
package e2e

import (
	_ "connectrpc.com/connect"
	_ "github.com/chromedp/cdproto/network"
	_ "github.com/chromedp/chromedp"
	_ "github.com/coder/websocket"
	_ "github.com/gin-gonic/gin"
	_ "github.com/go-chi/chi/v5"
	_ "github.com/go-chi/chi/v5/middleware"
	_ "github.com/gofiber/fiber/v3"
	_ "github.com/gofiber/fiber/v3/middleware/adaptor"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/gorilla/websocket"
	_ "github.com/labstack/echo/v5"
	_ "github.com/labstack/echo/v5/middleware"
	_ "github.com/redis/rueidis"
	_ "github.com/klauspost/compress/gzhttp"
	_ "golang.org/x/net/http2"
	_ "github.com/typedsession/typedsession/session"
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/gorilla/sessions"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
	_ "pgregory.net/rapid"
)
