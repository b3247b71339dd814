"""What CLAIM 2024 and GRRAS ask of a paper, in short words of our own.

Numbers are those of the published lists: CLAIM 2024 update (Tejani and others, Radiology:
Artificial Intelligence 6, e240300, 2024) and GRRAS (Kottner and others, Journal of Clinical
Epidemiology 64, 96-106, 2011). The published wording counts; these words only say which item is
meant.
"""

from __future__ import annotations

CLAIM: tuple[tuple[int, str, str], ...] = (
    (1, "Title", "AI is named in the title, with its kind"),
    (2, "Abstract", "structured: design, methods, results, conclusion"),
    (3, "Introduction", "background; what the method is for and its place in care"),
    (4, "Introduction", "aims and hypotheses"),
    (5, "Design", "prospective or retrospective"),
    (6, "Design", "goal of the study"),
    (7, "Data", "where the data come from"),
    (8, "Data", "who was included and excluded"),
    (9, "Data", "preparation of the images"),
    (10, "Data", "which part of the images was used, and how it was picked"),
    (11, "Data", "de-identification"),
    (12, "Data", "missing data"),
    (13, "Data", "how the images were acquired"),
    (14, "Reference standard", "what counts as the truth"),
    (15, "Reference standard", "why this truth"),
    (16, "Reference standard", "who made it, with which training"),
    (17, "Reference standard", "annotation of the test set"),
    (18, "Reference standard", "agreement between and within annotators"),
    (19, "Partitions", "how data were assigned to partitions"),
    (20, "Partitions", "what is disjoint between partitions"),
    (21, "Test data", "intended sample size, and why"),
    (22, "Model", "the model, so that it can be built again"),
    (23, "Model", "software and versions"),
    (24, "Model", "how weights were initialised"),
    (25, "Training", "how it was trained"),
    (26, "Training", "how the final model was chosen"),
    (27, "Training", "ensembles"),
    (28, "Evaluation", "measures of performance"),
    (29, "Evaluation", "uncertainty and tests"),
    (30, "Evaluation", "robustness and sensitivity analyses"),
    (31, "Evaluation", "explainability"),
    (32, "Evaluation", "evaluation on internal data"),
    (33, "Evaluation", "testing on external data"),
    (34, "Evaluation", "registration of the study"),
    (35, "Results", "numbers included and excluded, with a flow diagram"),
    (36, "Results", "demographics of each partition"),
    (37, "Results", "performance with its uncertainty"),
    (38, "Results", "diagnostic performance and its precision"),
    (39, "Results", "analysis of failures"),
    (40, "Discussion", "limits"),
    (41, "Discussion", "meaning for practice"),
    (42, "Other", "where the full protocol is"),
    (43, "Other", "where software, model and data are"),
    (44, "Other", "funding, and what funders had a say in"),
)
GRRAS: tuple[tuple[int, str, str], ...] = (
    (1, "Title, abstract", "says that reliability or agreement was studied"),
    (2, "Introduction", "the instrument of measurement"),
    (3, "Introduction", "the subjects it is meant for"),
    (4, "Introduction", "the raters it is meant for"),
    (5, "Introduction", "what is known already, and why this study"),
    (6, "Methods", "sample size: raters, objects, repeats, and why"),
    (7, "Methods", "how raters and objects were sampled"),
    (8, "Methods", "how rating was done: interval, information, blinding"),
    (9, "Methods", "whether ratings were independent"),
    (10, "Methods", "statistical analysis"),
    (11, "Results", "actual numbers of raters, objects and repeats"),
    (12, "Results", "who the raters and subjects were"),
    (13, "Results", "estimates with their uncertainty"),
    (14, "Discussion", "what the agreement means in practice"),
    (15, "Auxiliary", "detailed results"),
)
