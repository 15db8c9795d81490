"""The Gemini protocol (generateContent): written and read for targets."""
