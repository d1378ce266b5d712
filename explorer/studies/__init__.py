"""Studies of networks by reference (run, RUN@STEP, checkpoint, name, file), one subject per file.

| use | for | not |
|---|---|---|
| `ResolvedNetwork` | a network loaded by reference, with the images it takes | subject |
| `SampledNetwork` | a resolved network with a sample of images | subject |
| `NamedNetwork` (`cli`) | a network by reference, known without PyTorch | subject |
| predictions | class probabilities of one network for test images | answers |
| facts | what is stored about a run or checkpoint | |
"""
