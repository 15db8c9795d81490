"""The HTTP client of the request road: pools, timers, cancellation, and errors told apart.

HTTP/1.1 only, TLS verified, no redirects, no cookies, no decompression. It knows nothing of
models: it is given an origin and bytes, and gives bytes back.
"""
