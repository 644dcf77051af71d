"""Language models as assistants: built, imitating, played in conversations, and fine-tuned."""
