module example.com/summarizer

go 1.22

require (
	github.com/sashabaranov/go-openai v1.32.0
	github.com/qdrant/go-client v1.12.0
	golang.org/x/sync v0.8.0 // indirect
)
