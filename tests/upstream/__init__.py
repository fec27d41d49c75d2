"""The provider, as it is spoken to, and the sandbox that stands for it."""
