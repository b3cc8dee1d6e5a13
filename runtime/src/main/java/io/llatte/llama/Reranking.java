package io.llatte.llama;

import java.util.Comparator;
import java.util.List;

/// Documents by how well they answer a query, the best first; of equal ones the earlier.
///
/// @param documents the documents' places in the list that was asked for, with their scores
/// @param tokens how many tokens were evaluated, special ones among them
public record Reranking(List<Document> documents, long tokens) {

    /// A document's score.
    ///
    /// @param index its place in the list that was asked for, from 0
    /// @param score as the model gives it, mostly not a probability: larger is better, and only scores of one model can be compared
    public record Document(int index, float score) {
    }

    public Reranking {
        documents = documents.stream().sorted(Comparator.comparing(Document::score).reversed().thenComparing(Document::index)).toList();
    }
}
