using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>A Node process with the published DBOS SDK, <c>sdk.mjs</c>, that does what it is told, one call after another.</summary>
internal sealed class SdkProgram : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Names = new(JsonSerializerDefaults.Web);

    // The SDK's driver warns of how the SDK uses it.
    private readonly Process node = Node.Start("--no-deprecation", null, "sdk.mjs");
    private readonly Task<string> errors;

    private SdkProgram() => errors = node.StandardError.ReadToEndAsync();

    /// <summary>What the SDK has logged so far, each line with its level first.</summary>
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
        var answer = await AnswerAsync(call, argument);
        return answer.TryGetProperty("value", out var value)
            ? value
            : throw new InvalidOperationException($"The SDK failed to {call}: {answer}");
    }

    /// <summary>Makes a call that fails, and gives the error's name and message.</summary>
    public async Task<(string Name, string Message)> FailureAsync(string call, object? argument = null)
    {
        var answer = await AnswerAsync(call, argument);
        Assert.True(answer.TryGetProperty("error", out var error), $"{call} did not fail: {answer}");
        return (error.GetProperty("name").GetString()!, error.GetProperty("message").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        node.Kill();
        await node.WaitForExitAsync();
        node.Dispose();
    }

    private async Task<JsonElement> AnswerAsync(string call, object? argument)
    {
        await node.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new { call, with = argument }, Names));
        await node.StandardInput.FlushAsync();
        var line = await node.StandardOutput.ReadLineAsync().Within(Bounded.Limit, $"the SDK answers '{call}'");
        if (line is null)
        {
            throw new InvalidOperationException($"The SDK's process ended: {await errors.Within(Bounded.Limit)}");
        }

        var answer = JsonElement.Parse(line);
        Log.AddRange(answer.GetProperty("log").EnumerateArray().Select(entry => entry.GetString()!));
        return answer;
    }
}
