"""Networks only: nn.Modules, no training, no losses."""
