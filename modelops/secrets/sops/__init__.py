"""SOPS files: an in-process reader for age, and the real `sops` binary for everything else.

The reader never guesses: whatever it does not know for certain it leaves to the binary. All
encryption is the binary's. The format is that of getsops/sops 3.11 to 3.13 (aes/cipher.go,
sops.go, stores/).
"""
