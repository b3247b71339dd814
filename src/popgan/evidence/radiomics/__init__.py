"""Radiomics of slices: intensity, texture and shape in numbers with published definitions.

Names and formulas are those of the IBSI reference manual (arXiv 1612.07003), two-dimensional.
"""
