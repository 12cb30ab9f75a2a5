using System.Globalization;
using System.Text;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// Where steps note their effects with the moment, apart from the database: each process in a file of its own, in one folder.
/// </summary>
/// <remarks>
/// Moments are on the machine's own clock, which the database server on the same machine shares, and never on a clock that jumps. A kill
/// loses nothing that was written; the disk is not waited for, as the machine itself does not fail here.
/// </remarks>
internal sealed class ChaosLedger : IDisposable
{
    private const char Separator = '\t';

    private readonly FileStream own;
    private readonly Lock gate = new();

    public ChaosLedger(string folder)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Guid.CreateVersion7()}.effects");
        own = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <summary>The machine's clock, in microseconds.</summary>
    public static long NowMicros() => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Notes that a step's body begins, in a run that began at the given moment.</summary>
    public void Add(string workflowId, string step, long runBegan)
    {
        var line = string.Create(
            CultureInfo.InvariantCulture, $"{workflowId}{Separator}{step}{Separator}{runBegan}{Separator}{NowMicros()}\n");
        lock (gate)
        {
            own.Write(Encoding.UTF8.GetBytes(line));
        }
    }

    /// <summary>All effects that any process has noted, by workflow and step.</summary>
    public static ILookup<(string WorkflowId, string Step), ChaosEffect> Read(string folder) => Directory
        .EnumerateFiles(folder, "*.effects")
        .SelectMany(File.ReadLines)
        .Select(line => line.Split(Separator))
        .ToLookup(
            parts => (parts[0], parts[1]),
            parts => new ChaosEffect(
                long.Parse(parts[2], CultureInfo.InvariantCulture), long.Parse(parts[3], CultureInfo.InvariantCulture)));

    public void Dispose() => own.Dispose();
}

/// <summary>One time that a step took effect, in microseconds of the machine's clock.</summary>
/// <param name="RunBegan">When the run that did it began, which is after its claim and after its history was read.</param>
/// <param name="At">When the step's body began.</param>
internal readonly record struct ChaosEffect(long RunBegan, long At);
