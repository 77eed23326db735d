// Package anthropic has nothing to do with language models.
package anthropic

type Client struct{ Model string }

var Default = Client{Model: "claude-shannon"}
