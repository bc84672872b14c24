"""What tests stand on: real servers, fresh databases, a clock, a client. For tests only."""
