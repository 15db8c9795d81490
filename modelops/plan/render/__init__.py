"""Renderers of the plan document, one per format. They read nothing but the document."""
