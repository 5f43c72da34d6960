"""The programs that run in child processes, one per framework; they import nothing else of this package.

A program has a function `load(request)`. It returns the loaded model, an object with:

    description     what predicts, with versions
    batch_size      the samples of the batches into which it divides what it is given; None if it takes all at once
    call(inputs)    predict: arrays by the names of the request → a list of (name, array)
"""
