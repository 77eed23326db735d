package main

import (
	"context"
	"fmt"
	"os"

	"github.com/qdrant/go-client/qdrant"
	oai "github.com/sashabaranov/go-openai"
)

const model = "gpt-4o-mini"

func main() {
	cfg := oai.DefaultConfig(os.Getenv("OPENAI_API_KEY"))
	cfg.BaseURL = "https://ai-gateway.example.net/v1"
	client := oai.NewClientWithConfig(cfg)
	store, err := qdrant.NewClient(&qdrant.Config{Host: "qdrant", Port: 6334})
	if err != nil {
		panic(err)
	}
	_ = store
	resp, err := client.CreateChatCompletion(context.Background(), oai.ChatCompletionRequest{
		Model:    model,
		Messages: []oai.ChatCompletionMessage{{Role: oai.ChatMessageRoleUser, Content: os.Args[1]}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(resp.Choices[0].Message.Content)
}
