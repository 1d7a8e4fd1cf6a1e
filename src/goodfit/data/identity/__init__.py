"""Which people a text speaks of: lists of terms, where they stand in texts, and the same text about somebody else.

    terms       the nouns: a list, its members, their paradigms; two halves of a list, one to mitigate with and one to assess with
    reading     YAML -> a list, with what is wrong and where; the lists that Goodfit ships
    folding     texts made comparable, with a way back to the offsets of the original
    match       where the terms of a list stand
    swap        counterfactuals: every term of one member exchanged for another's, in one pass
    english     what the exchange needs to know about English
    lint        what is wrong with a list, how it reads in real texts, how often each form occurs

Layer: data. A list names groups of people by words. That a text mentions a group says nothing about who wrote it or who reads it.
"""
