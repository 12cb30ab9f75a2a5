using Dbos.Fluent.Tests.Worker.Servers;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>The place of one process, its way to the database, and whoever replaces it there.</summary>
internal sealed class ChaosSlot(TcpProxy proxy, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private ChaosProcess? process;
    private int formerClockJumps;

    /// <summary>Stands between the process and the database.</summary>
    public TcpProxy Proxy => proxy;

    /// <summary>The process that is there now.</summary>
    public ChaosProcess Process => process ?? throw new InvalidOperationException("No process was started.");

    /// <summary>How often the clocks of all processes that were here have jumped while their engines ran.</summary>
    public int ClockJumps => formerClockJumps + Process.ClockJumps;

    public void Start() => process = ChaosProcess.Start(settings);

    /// <summary>Starts another process in the place of the one that has ended, and removes that one.</summary>
    public async Task ReplaceAsync()
    {
        var former = Process;
        formerClockJumps += former.ClockJumps;
        Start();
        await former.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        await proxy.DisposeAsync();
    }
}
