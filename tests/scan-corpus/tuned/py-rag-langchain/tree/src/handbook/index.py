from pathlib import Path

from langchain_chroma import Chroma
from langchain_openai import OpenAIEmbeddings
from langchain_community.document_loaders import PyPDFLoader

EMBEDDINGS = "text-embedding-3-large"

def build(folder: Path):
    pages = [page for file in folder.glob("*.pdf") for page in PyPDFLoader(str(file)).load()]
    return Chroma.from_documents(pages, OpenAIEmbeddings(model=EMBEDDINGS), persist_directory="./db")
