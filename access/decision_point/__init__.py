"""The policy decision point: who may do what, for programs that enforce it. OpenID AuthZEN 1.0, and Trino's OPA plugin."""
