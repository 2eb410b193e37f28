"""The float networks in torch."""
