using System.Globalization;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>
/// The outside world, as far as the tests have one: a folder in which every process notes the effects of its steps, durably and apart
/// from the engine's database, so that effects can be counted whatever happened to the process or the database.
/// </summary>
/// <remarks>Each process has a file of its own, as appends of two processes to one file may overwrite each other.</remarks>
internal sealed class Ledger : IDisposable
{
    private const char Separator = '\t';

    private readonly string folder;
    private readonly FileStream own;
    private readonly Lock gate = new();

    public Ledger(string folder)
    {
        this.folder = folder;
        var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Guid.CreateVersion7()}.ledger");
        own = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <summary>
    /// True to wait for the disk with each effect, for processes that are killed. A kill alone loses nothing that was written.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>Notes an effect; it stands when the call returns.</summary>
    public void Add(string workflowId, string step)
    {
        var line = System.Text.Encoding.UTF8.GetBytes(workflowId + Separator + step + "\n");
        lock (gate)
        {
            own.Write(line);
            own.Flush(Durable);
        }
    }

    /// <summary>How often which step of which workflow took effect, in all processes.</summary>
    public IReadOnlyDictionary<(string WorkflowId, string Step), int> Read() => Directory.EnumerateFiles(folder, "*.ledger")
        .SelectMany(ReadLines)
        .Select(line => line.Split(Separator))
        .GroupBy(parts => (parts[0], parts[1]))
        .ToDictionary(group => group.Key, group => group.Count());

    public int Count(string workflowId, string step) => Read().GetValueOrDefault((workflowId, step));

    public void Dispose() => own.Dispose();

    private static List<string> ReadLines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }
}
