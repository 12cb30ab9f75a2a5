using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A program of the folder <c>Interop</c> that node runs beside the test, and whose functions the test calls.</summary>
/// <remarks>
/// It never outlives the test: disposal kills it, and if the test host itself is killed, its standard input closes and it exits. Calls and
/// answers are lines of JSON, see <c>answer.mjs</c>; calls run side by side.
/// </remarks>
internal sealed class NodeProgram : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly Process process;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> calls = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly Task<string> errors;
    private readonly Task reading;
    private int lastCall;

    private NodeProgram(Process process)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
        reading = ReadAsync();
    }

    public int Id => process.Id;

    /// <summary>Starts a program; skips the test where node or its packages are missing, and fails it under CI.</summary>
    public static NodeProgram Start(string program) => new(Node.Start(program));

    /// <summary>Calls one of its functions and waits for the answer.</summary>
    /// <exception cref="NodeException">The function threw, or the program is gone.</exception>
    public async Task<T> CallAsync<T>(string function, params object?[] arguments)
    {
        var call = Interlocked.Increment(ref lastCall);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        calls[call] = answer;
        await WriteAsync(JsonSerializer.Serialize(new { call, function, arguments }, Json));
        await Task.WhenAny(answer.Task, reading).Within(Bounded.Limit, $"node answers '{function}'");
        return answer.Task.IsCompleted
            ? (await answer.Task).Deserialize<T>(Json)!
            : throw new NodeException("Gone", "The program ended.\n" + await errors, null, null);
    }

    /// <summary>Calls one of its functions, of which nothing is expected but that it does not fail.</summary>
    /// <exception cref="NodeException">The function threw, or the program is gone.</exception>
    public Task CallAsync(string function, params object?[] arguments) => CallAsync<object?>(function, arguments);

    /// <summary>Calls a function that is expected to throw, and gives what it threw.</summary>
    public Task<NodeException> FailureAsync(string function, params object?[] arguments) =>
        Assert.ThrowsAsync<NodeException>(() => CallAsync(function, arguments));

    /// <summary>Kills it with SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().Within(Bounded.Limit);
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        await process.WaitForExitAsync();
        await Task.WhenAll(reading, errors);
        process.Dispose();
        writing.Dispose();
    }

    private async Task WriteAsync(string line)
    {
        await writing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await process.StandardInput.WriteLineAsync(line);
            await process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // It died meanwhile, and reading its output tells whoever waits.
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            using var parsed = JsonDocument.Parse(line);
            var answer = parsed.RootElement.Clone();
            var call = calls[answer.GetProperty("call").GetInt32()];
            if (answer.TryGetProperty("error", out var error))
            {
                call.TrySetException(NodeException.Of(error));
            }
            else
            {
                call.TrySetResult(answer.GetProperty("value"));
            }
        }
    }
}

/// <summary>What a function of a <see cref="NodeProgram"/> threw, as the error of another language.</summary>
/// <param name="name">The error's name.</param>
/// <param name="message">The error's message.</param>
/// <param name="code">The error's code, a number or a text.</param>
/// <param name="data">The error's data as JSON.</param>
internal sealed class NodeException(string name, string message, string? code, string? data) : Exception($"{name}: {message}")
{
    public string Name => name;

    /// <summary>The message without the name.</summary>
    public string Text => message;

    /// <summary>As JSON, so that a number and a text differ.</summary>
    public string? Code => code;

    public string? Json => data;

    public static NodeException Of(JsonElement error) => new(
        error.GetProperty("name").ToString(), error.GetProperty("message").ToString(), Member(error, "code"), Member(error, "data"));

    private static string? Member(JsonElement error, string name) =>
        error.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member.GetRawText() : null;
}
