"""OpenAI's protocols, and the habits of those who copied them."""
