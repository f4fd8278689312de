module github.com/typedsession/typedsession/examples

go 1.25.0

replace github.com/typedsession/typedsession => ../

require github.com/typedsession/typedsession v0.0.0-00010101000000-000000000000

require (
	github.com/redis/rueidis v1.0.79 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
