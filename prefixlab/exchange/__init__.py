"""Exchange: methods of this package at home in PEFT, in transformers and on the Hub."""
