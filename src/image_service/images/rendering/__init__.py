"""Renders variants on request and ahead of requests."""
