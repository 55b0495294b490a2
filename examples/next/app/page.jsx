"use client";

import { describeAnswer, loadClassifier } from "ocelli/web";
import { useEffect, useState } from "react";

export default function Page() {
  const [classifier, setClassifier] = useState();
  const [answer, setAnswer] = useState("Loading the model …");

  useEffect(() => {
    let gone = false;
    const loading = loadClassifier("/model/");
    loading.then(
      (loaded) => {
        if (gone) return;
        setClassifier(loaded);
        setAnswer(`ready: ${loaded.engine}`);
      },
      (error) => gone || setAnswer(error.message),
    );
    return () => {
      gone = true;
      loading.then(({ dispose }) => dispose()).catch(() => undefined);
    };
  }, []);

  async function look({ target }) {
    const [file] = target.files;
    if (!file) return;
    setAnswer("…");
    try {
      setAnswer(describeAnswer(await classifier.predict(file)));
    } catch (error) {
      setAnswer(error.message);
    }
  }

  return (
    <main>
      <label>
        Choose a picture:{" "}
        <input id="file" type="file" accept="image/*" disabled={!classifier} onChange={look} />
      </label>
      <p id="answer" role="status">
        {answer}
      </p>
    </main>
  );
}
