"""The native Ollama protocol (/api/chat): written and read for targets."""
