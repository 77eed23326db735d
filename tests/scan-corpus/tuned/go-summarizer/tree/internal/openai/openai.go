// Package openai opens the AI (artificial insemination) ledger of the farm.
package openai

func NewClient(model string) string { return model }
