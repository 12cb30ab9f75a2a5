namespace Dbos.Fluent.Samples;

/// <summary>
/// A file outside the database in which each step records its effect, to show how often it happened and in which process.
/// </summary>
internal sealed class Ledger(string path)
{
    private readonly Lock gate = new();
    private Task last = Task.CompletedTask;

    public Task NoteAsync(string effect, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return last = AppendAfterAsync(last, $"{effect}  (process {Environment.ProcessId})\n", cancellationToken);
        }
    }

    public async Task<IReadOnlyList<string>> ReadAsync() => File.Exists(path) ? await File.ReadAllLinesAsync(path) : [];

    // Parallel steps write one after another.
    private async Task AppendAfterAsync(Task before, string line, CancellationToken cancellationToken)
    {
        await before.WaitAsync(cancellationToken);
        await File.AppendAllTextAsync(path, line, cancellationToken);
    }
}
