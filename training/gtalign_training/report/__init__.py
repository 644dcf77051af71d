"""The report: one self-contained page of what runs, sweeps and training runs came to.

```
readers/    a folder on the disk -> what it says, one file a kind of folder
parts       what a report can show, as plain frozen data
sections/   one part -> a fragment of the page, pure
charts/     numbers -> SVG that follows the page's light and dark
compare     several results of the same conversations -> paired differences
embed       conversations -> data inside a page, escaped and compressed
page        all of it -> one file, with a policy that lets nothing in
```
"""
