using System.Text.Json;
using Npgsql;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>A Node process with the published DBOS SDK, <c>sdk.mjs</c>, that does what it is told.</summary>
internal sealed class SdkProgram : IAsyncDisposable
{
    private readonly NodeProgram node = NodeProgram.Start("sdk.mjs");

    private SdkProgram()
    {
    }

    /// <summary>What the SDK has logged up to the last call that succeeded, each line with its level first.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Warnings and errors among it.</summary>
    public IEnumerable<string> Complaints => Log.Where(line => !line.StartsWith("info ", StringComparison.Ordinal));

    /// <summary>Starts the process, or skips the test where node or the SDK is missing.</summary>
    public static SdkProgram Start() => new();

    /// <summary>The address of a database as the SDK takes it.</summary>
    public static string UrlOf(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        var password = parts.Password is { Length: > 0 } secret ? ":" + Uri.EscapeDataString(secret) : "";
        return $"postgresql://{Uri.EscapeDataString(parts.Username!)}{password}@{Uri.EscapeDataString(parts.Host!)}:{parts.Port}"
            + $"/{parts.Database}";
    }

    /// <summary>Makes a call and gives what it returned.</summary>
    /// <param name="call">Its name in the script.</param>
    /// <param name="argument">Its argument, an object.</param>
    public async Task<JsonElement> CallAsync(string call, object? argument = null)
    {
        var answer = await node.CallAsync<JsonElement>(call, argument);
        Log.AddRange(answer.GetProperty("log").EnumerateArray().Select(entry => entry.GetString()!));
        return answer.GetProperty("value");
    }

    /// <summary>Makes a call that fails, and gives the error's name and message.</summary>
    public async Task<(string Name, string Message)> FailureAsync(string call, object? argument = null)
    {
        var failure = await node.FailureAsync(call, argument);
        return (failure.Name, failure.Text);
    }

    public ValueTask DisposeAsync() => node.DisposeAsync();
}
