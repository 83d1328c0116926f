"""Variants are rendered: when asked for, and ahead."""
