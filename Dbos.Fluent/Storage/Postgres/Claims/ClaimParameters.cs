using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The first parameters of every claim statement.</summary>
internal static class ClaimParameters
{
    /// <summary>
    /// $1 now, $2 token, $3 executor, $4 application, $5 version, $6 workflow names, $7 limit: who claims, what it can run, and how many.
    /// </summary>
    public static NpgsqlParameter[] Of(PostgresDatabase database, ClaimRequest request) =>
    [
        database.Now,
        Text(request.Token),
        Text(request.ExecutorId),
        Text(request.ApplicationName),
        Text(request.ApplicationVersion),
        Texts(request.WorkflowNames),
        Small(request.Limit),
    ];

    /// <summary>As <see cref="Of"/>, then what a claim of enqueued rows also needs: $8 attempts allowed, $9 a random number.</summary>
    public static NpgsqlParameter[] OfEnqueued(PostgresDatabase database, ClaimRequest request) =>
        [.. Of(database, request), Small(request.RecoveryAttemptsMax), Number(Random.Shared.NextInt64())];
}
