"""`jianzhen qc`: quality control at the desk."""

import typer

from jianzhen.verbs import qc_bench

app = typer.Typer(no_args_is_help=True, help="Quality control of files, offline. 离线自查数据文件。")


@app.callback()
def qc() -> None:
    """Quality control of files, offline. 离线自查数据文件。"""


app.command()(qc_bench.bench)
