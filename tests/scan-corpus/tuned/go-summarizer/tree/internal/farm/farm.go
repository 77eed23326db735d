package farm

import "example.com/summarizer/internal/openai"

var Ledger = openai.NewClient("bull-7")
