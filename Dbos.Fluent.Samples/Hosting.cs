using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Dbos.Fluent.Samples;

/// <summary>The code of docs/operations.md. It is compiled, so the compiler checks it.</summary>
internal static class Hosting
{
    private static readonly WorkflowDefinition<Order, string> Ship =
        Workflow.Define<Order, string>("ship order").Step("ship", x => Task.FromResult($"parcel {x.Input.Id}")).As(out var parcel)
            .Return(x => x.Get(parcel));

    public static void AddEngine(IServiceCollection services, string connectionString)
    {
        services.AddSingleton(provider => new EngineService(
            o =>
            {
                o.UsePostgres(connectionString).Add(Ship);
                o.Services = provider;                                        // for StepContext.Services
            },
            provider.GetRequiredService<ILoggerFactory>()));
        services.AddHostedService(provider => provider.GetRequiredService<EngineService>());
    }

    public static async Task RotateAsync(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.UsePeriodicPasswordProvider(
            (_, token) => Secrets.ReadAsync("orders-db", token), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(10));
        await using var source = builder.Build();                     // it outlives the engine, which does not dispose it
        await using var engine = await WorkflowEngine.LaunchAsync(o => o.UsePostgres(source).Add(Ship));
    }

    private static class Secrets
    {
        public static ValueTask<string> ReadAsync(string name, CancellationToken cancellationToken) => new(name);
    }
}

/// <summary>An engine that lives as long as the host.</summary>
internal sealed class EngineService(Action<EngineOptions> configure, ILoggerFactory loggers) : IHostedService
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(10);

    private WorkflowEngine? engine;

    public WorkflowEngine Engine => engine ?? throw new InvalidOperationException("The host has not started.");

    public async Task StartAsync(CancellationToken cancellationToken) => engine = await WorkflowEngine.LaunchAsync(
        o =>
        {
            o.LoggerFactory = loggers;
            configure(o);
        },
        cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => engine?.StopAsync(Drain, cancellationToken) ?? Task.CompletedTask;
}
