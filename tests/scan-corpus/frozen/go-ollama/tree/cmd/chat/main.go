package main

import (
	"context"
	"log"
	"net/http"
	"crypto/tls"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/ollama"
)

func main() {
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	llm, err := ollama.New(ollama.WithModel("mistral-nemo"), ollama.WithServerURL("http://gpu-1:11434"))
	if err != nil {
		log.Fatal(err)
	}
	out, _ := llms.GenerateFromSinglePrompt(context.Background(), llm, "hi")
	log.Println(out)
}
