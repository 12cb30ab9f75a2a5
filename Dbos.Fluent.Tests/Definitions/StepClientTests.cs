using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions;

public sealed class StepClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_reach_the_run_with_the_number_of_the_step()
    {
        var outlet = new NotingOutlet();
        var client = Context(outlet).Client;

        await client.SendAsync("w", 1, "t", "k", Token);
        await client.SetEventAsync<object>("e", "v", Token);
        await client.WriteStreamAsync("s", 2, Token);
        await client.CloseStreamAsync("s", Token);
        await client.GetStatusAsync("w", Token);
        await client.GetEventAsync<int>("w", "e", TimeSpan.MaxValue, Token);
        Assert.Empty(await client.ReadStreamAsync<int>("w", "s", 3, Timeout.InfiniteTimeSpan, Token).ToListAsync(Token));

        Assert.Equal(
            [
                "4 send 1 Int32 to w t k", "4 event e v Object", "4 write s 2 Int32", "4 close s", "status w",
                "event w e 10675199.02:48:05.4775807", "read w s 3 ",
            ],
            outlet.Calls);
    }

    [Fact]
    public void Arguments_are_checked_where_the_call_is_made()
    {
        var client = Context(new NotingOutlet()).Client;

        Assert.Throws<ArgumentException>(() => { _ = client.SendAsync(" ", 1, cancellationToken: Token); });
        Assert.Throws<ArgumentException>(() => { _ = client.SendAsync("w", 1, "__null__topic__", cancellationToken: Token); });
        Assert.Throws<ArgumentException>(() => { _ = client.SetEventAsync(" ", 1, Token); });
        Assert.Throws<ArgumentException>(() => { _ = client.WriteStreamAsync("s", "__DBOS_STREAM_CLOSED__", Token); });
        Assert.Throws<ArgumentException>(() => { _ = client.CloseStreamAsync("", Token); });
        Assert.Throws<ArgumentException>(() => { _ = client.GetStatusAsync("", Token); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = client.GetEventAsync<int>("w", "e", TimeSpan.FromTicks(-1), Token); });
        Assert.Throws<ArgumentOutOfRangeException>(() => client.ReadStreamAsync<int>("w", "s", -1, cancellationToken: Token));
        Assert.Throws<ArgumentException>(() => client.ReadStreamAsync<int>("w", " ", cancellationToken: Token));
    }

    private static StepContext Context(IStepOutlet outlet) => new(new StepAttempt("w", 4, "w:4", 1, 1)
    {
        CancellationToken = Token,
        Reason = () => CancellationReason.None,
        Services = new StepServices(null!),
        Outlet = outlet,
        Workflows = null!,
    });

    private sealed class NotingOutlet : IStepOutlet
    {
        public List<string> Calls { get; } = [];

        public Task SendAsync(int sequence, OutgoingMessage message, CancellationToken cancellationToken) => Note(
            $"{sequence} send {message.Value} {message.ValueType.Name} to {message.WorkflowId} {message.Topic} {message.IdempotencyKey}");

        public Task SetEventAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken) =>
            Note($"{sequence} event {key} {value} {valueType.Name}");

        public Task WriteStreamAsync(int sequence, string key, object? value, Type valueType, CancellationToken cancellationToken) =>
            Note($"{sequence} write {key} {value} {valueType.Name}");

        public Task CloseStreamAsync(int sequence, string key, CancellationToken cancellationToken) => Note($"{sequence} close {key}");

        public async Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken)
        {
            await Note($"status {workflowId}");
            return null;
        }

        public async Task<Optional<T>> GetEventAsync<T>(
            string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken)
        {
            await Note($"event {workflowId} {key} {timeout:c}");
            return default;
        }

        public IAsyncEnumerable<T> ReadStreamAsync<T>(
            string workflowId, string key, int offset, TimeSpan? valueTimeout, CancellationToken cancellationToken)
        {
            Note($"read {workflowId} {key} {offset} {valueTimeout:c}");
            return AsyncEnumerable.Empty<T>();
        }

        private Task Note(string call)
        {
            Calls.Add(call);
            return Task.CompletedTask;
        }
    }
}
