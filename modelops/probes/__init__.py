"""Connection tests and discovery: is a provider reached, is the key taken, what is offered.

Nothing here is on the request road. `probe` walks one provider step by step, `offers` reads its
model list, `discovery` compares that with what is declared. Targets are declared providers only:
no address ever comes from a caller.
"""
