using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Servers;

/// <summary>What a proxy does with its connections.</summary>
internal enum ProxyMode
{
    /// <summary>It passes everything on.</summary>
    Forward,

    /// <summary>It keeps connections open and passes nothing on, in either direction: a network that went silent.</summary>
    Hang,

    /// <summary>It passes requests on and swallows the answers: work is done, and nobody hears of it.</summary>
    SwallowAnswers,

    /// <summary>It closes new connections at once; those that are open go on.</summary>
    Refuse,
}

/// <summary>Stands between a client and a server on the loopback interface and breaks what passes, on command.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<ProxyLink, byte> links = new();
    private readonly CancellationTokenSource stop = new();
    private readonly IPEndPoint target;
    private readonly Task accepting;
    private TaskCompletionSource modeChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ProxyMode mode;
    private volatile LostAnswer? toLose;
    private int roundTrips;

    private TcpProxy(IPEndPoint target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public ProxyMode Mode
    {
        get => mode;
        set
        {
            mode = value;
            Interlocked.Exchange(ref modeChanged, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    public int Connections => links.Count;

    /// <summary>How often a client has sent something behind an answer: the round trips of all connections.</summary>
    public int RoundTrips => Volatile.Read(ref roundTrips);

    private int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Puts a proxy in front of a database.</summary>
    public static (TcpProxy Proxy, string ConnectionString) Before(string connectionString)
    {
        var direct = new NpgsqlConnectionStringBuilder(connectionString);
        var addresses = Dns.GetHostAddresses(direct.Host ?? "127.0.0.1");
        var proxy = new TcpProxy(new IPEndPoint(addresses[0], direct.Port));
        var through = new NpgsqlConnectionStringBuilder(connectionString) { Host = "127.0.0.1", Port = proxy.Port };
        return (proxy, through.ConnectionString);
    }

    /// <summary>Resets every open connection.</summary>
    public void Cut()
    {
        foreach (var link in links.Keys)
        {
            link.Dispose();
        }
    }

    /// <summary>
    /// Loses the next answer that holds the text, such as the tag of a COMMIT, and cuts its connection: the work is done, its
    /// acknowledgement never arrives. The task ends when that has happened.
    /// </summary>
    public Task LoseAnswerAsync(string containing)
    {
        var lost = new LostAnswer(Encoding.ASCII.GetBytes(containing));
        toLose = lost;
        return lost.Happened.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        Cut();
        await accepting;
        stop.Dispose();
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port} -> {target} ({mode})");

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                if (mode == ProxyMode.Refuse)
                {
                    client.Dispose();
                    continue;
                }

                running.Add(ServeAsync(client));
            }
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // A listener that has been stopped says so in one of these ways.
            await Task.WhenAll(running);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var link = new ProxyLink(client);
        links.TryAdd(link, 0);
        try
        {
            await link.Server.ConnectAsync(target, stop.Token);
            var requests = PumpAsync(client.GetStream(), link.Server.GetStream(), link, answers: false);
            var answers = PumpAsync(link.Server.GetStream(), client.GetStream(), link, answers: true);
            await Task.WhenAny(requests, answers);
            link.Dispose();
            await Task.WhenAll(requests, answers);
        }
        catch (Exception gone) when (gone is IOException or SocketException or InvalidOperationException or OperationCanceledException)
        {
            // A connection that broke, perhaps before it was pumped, is this class's business and no failure.
        }
        finally
        {
            links.TryRemove(link, out _);
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, ProxyLink link, bool answers)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, stop.Token) is var count and > 0)
        {
            await WhileHangingAsync(link);
            if (link.Turns(answers))
            {
                Interlocked.Increment(ref roundTrips);
            }

            if (answers && Loses(buffer.AsSpan(0, count), link))
            {
                return;
            }

            if (!answers || mode != ProxyMode.SwallowAnswers)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), stop.Token);
            }
        }
    }

    private async Task WhileHangingAsync(ProxyLink link)
    {
        // The change is fetched before the mode is read: a change between the two is then not missed.
        for (var change = Volatile.Read(ref modeChanged); mode == ProxyMode.Hang; change = Volatile.Read(ref modeChanged))
        {
            await change.Task.WaitAsync(link.Cut.Token);
        }
    }

    private bool Loses(ReadOnlySpan<byte> answer, ProxyLink link)
    {
        if (toLose is not { } lost || answer.IndexOf(lost.Containing) < 0)
        {
            return false;
        }

        toLose = null;
        link.Dispose();
        lost.Happened.TrySetResult();
        return true;
    }

    private sealed record LostAnswer(byte[] Containing)
    {
        public TaskCompletionSource Happened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>One connection through the proxy; disposing it resets both ends.</summary>
internal sealed class ProxyLink : IDisposable
{
    private readonly TcpClient client;
    private volatile bool answered = true;

    public ProxyLink(TcpClient client)
    {
        this.client = client;
        client.NoDelay = Server.NoDelay = true;
        client.LingerState = Server.LingerState = new LingerOption(enable: true, seconds: 0);
    }

    public TcpClient Server { get; } = new(AddressFamily.InterNetwork);

    public CancellationTokenSource Cut { get; } = new();

    /// <summary>Takes note of what passes; true if it is a request, and the first since an answer.</summary>
    // Whoever waits for an answer sends nothing, so that the two directions do not get in each other's way.
    public bool Turns(bool answers)
    {
        var turns = !answers && answered;
        answered = answers;
        return turns;
    }

    public void Dispose()
    {
        Cut.Cancel();
        client.Dispose();
        Server.Dispose();
    }
}
