using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>Versions of this application's code.</summary>
    public VersionClient Versions { get; }

    /// <summary>Says why a workflow is where it is: what it waits for, what is in its way, who has it, or how it ended.</summary>
    /// <remarks>
    /// What it waits for in memory is known to the engine that runs it; asked elsewhere, the answer is where it runs. The answer is of the
    /// moment: a workflow may go on while it is made.
    /// </remarks>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>The reason, as a word for programs and a sentence for people.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowExplanation> ExplainAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return Core.UseAsync("explain a workflow", token => Core.Explainer.ExplainAsync(workflowId, token), cancellationToken);
    }

    /// <summary>The SQL that migrates an empty or older Postgres database to the current state, for a role with DDL rights.</summary>
    /// <remarks>
    /// Run it by <c>psql --single-transaction</c> or any driver, and launch engines with <see cref="EngineOptions.Migrate"/> off: their
    /// role needs to read and write the tables, and no DDL right. It may be run again, and leaves a database that is further on as it is.
    /// On tables that are long, an engine that migrates by itself builds indexes without holding up writers; this script does not.
    /// No extension is needed.
    /// </remarks>
    /// <param name="schema">The schema of the tables, as it is written unquoted; <c>dbos</c> by default.</param>
    /// <returns>The statements, as one text.</returns>
    /// <exception cref="ArgumentException">The schema is no name that Postgres takes.</exception>
    public static string MigrationScript(string schema = "dbos") => Storage.Postgres.MigrationSql.Of(schema);
}
