import qdrant_client
from llama_index.core import Settings, VectorStoreIndex, SimpleDirectoryReader
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.llms.ollama import Ollama
from llama_index.vector_stores.qdrant import QdrantVectorStore

Settings.llm = Ollama(model="llama3.2", base_url="http://ollama.internal:11434", request_timeout=120.0)
Settings.embed_model = HuggingFaceEmbedding(model_name="BAAI/bge-small-en-v1.5")

client = qdrant_client.QdrantClient(url="http://qdrant.internal:6333")
store = QdrantVectorStore(client=client, collection_name="kb")
documents = SimpleDirectoryReader("data").load_data()
index = VectorStoreIndex.from_documents(documents)
