"""The app: the only library code that knows Streamlit.

What pages call things; one word for one thing:

| use | for | not |
|---|---|---|
| network | what is built, trained or measured; untrained, or with weights | model |
| run | one training of one network with one seed | job |
| experiment | the runs started together | race, outside the Degradation page |
| checkpoint | weights and facts that can be chosen by name: kept, shipped, or of a run | model file |
| snapshot | the same, taken at a step of a run | state |
| step | an update of the weights | iteration |
| moment | the step shown, which the slider chooses | time |
| probe | a measurement of all layers during training | look |
| test image | an image of a data set, by number | sample |
| picture | anything that can be explained: test image, photograph, upload | photo |
| error | fraction of images misclassified | inaccuracy |
| attribution map, map | scores of the positions of a picture | heat map, explanation |
| predicted, true class | given by the network, by the data set | answer, label |
| caveat | a confound of a comparison, shown to the reader | warning |
| compare with | a second network or experiment | beside |
| export, import | files to and from other programs and machines | take along, bring |
| available memory | free for PyTorch now | at hand |
| the same from a shell | the command that gives what the page shows | script |
"""
