namespace Dbos.Fluent.Samples;

/// <summary>
/// A file outside the database in which each step notes its effect, so that one can see how often it happened and in which process.
/// </summary>
internal sealed class Ledger(string path)
{
    private readonly Lock gate = new();

    public Task NoteAsync(string effect, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Note(effect);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<string>> ReadAsync() => File.Exists(path) ? await File.ReadAllLinesAsync(path) : [];

    private void Note(string effect)
    {
        lock (gate)
        {
            File.AppendAllText(path, $"{effect}  (process {Environment.ProcessId})\n");
        }
    }
}
