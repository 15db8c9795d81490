"""The Litestar app: data plane, controllers, workers, wiring."""
