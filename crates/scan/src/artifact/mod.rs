//! Models, datasets and archives, read as each loader would read them.
